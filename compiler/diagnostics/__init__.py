"""Mistakes in programs: codes, wording, rendering."""

from sglc.compiler.diagnostics.diagnostic import Diagnostic, Label, Severity
from sglc.compiler.diagnostics.render import render, to_data
from sglc.compiler.diagnostics.sink import DiagnosticSink

__all__ = ["Diagnostic", "DiagnosticSink", "Label", "Severity", "render", "to_data"]
