"""What the builder makes of what it is told."""

from __future__ import annotations

import pytest

from sglc.compiler.ir.builder import ModuleBuilder
from sglc.compiler.ir.graph import free_values, replace_values
from sglc.compiler.ir.op import Literal, Op, Symbol, Value
from sglc.compiler.ir.ops import OPS
from sglc.compiler.ir.spec import exits, is_pure, is_total
from sglc.compiler.ir.values import BOOL, INT, STR, STREAM
from sglc.compiler.plan.data import DATA_OPS
from sglc.compiler.plan.plan import Loc
from sglc.constraints import types as t


def test_names_are_fresh() -> None:
    f = ModuleBuilder().function("prompt", "f")
    f.param("s0", t.Str())
    names = [f.value(hint, type_).name for hint, type_ in [
        (None, STREAM), ("s", STREAM), ("x", STR), ("x", STR), (None, STR), ("x", STREAM),
    ]]  # fmt: skip
    assert names == ["s1", "s2", "x", "x.1", "t0", "x.2"]


def test_constants_become_attributes_and_values_operands() -> None:
    f = ModuleBuilder().function("prompt", "f")
    s = f.one("put", f.one("stream"), "x")
    n = f.one("const", 3, types=INT)
    op = f.emit("gen", s, max_tokens=n, stop=["a"], temperature=0, rng=f.site())
    assert op.attrs == {"stop": ("a",), "temperature": 0, "rng": "1"}
    assert op.kwargs == (("max_tokens", n),)


def test_an_effect_is_the_first_result_and_the_last_keyword() -> None:
    f = ModuleBuilder().function("prompt", "f")
    op = f.emit("tool", Symbol("t"), kwargs={"after": 1}, effect=True, after=None, types=STR)
    assert [str(value.type) for value in op.results] == ["effect", "str"]
    assert op.kwargs == (("after", Literal(1)), ("after", Literal(None)))
    assert op.after == Literal(None)


def test_regions_places_and_terminators() -> None:
    f = ModuleBuilder().function("prompt", "f")
    with f.at(Loc("a", 1, 2)), f.region("body", params=[("x", INT)]) as body:
        op = f.emit("yield", body.params[0])
        assert f.terminated
        with pytest.raises(ValueError, match="after the terminator"):
            f.emit("const", 1)
    assert not f.terminated
    assert op.span == Loc("a", 1, 2)
    assert f.emit("map", [1], regions=[body]).regions[0].params[0].name == "x"


def test_equal_constraints_share_a_symbol_and_others_do_not() -> None:
    module = ModuleBuilder()
    assert module.constraint(t.Line(), "line") == module.constraint(t.Line(), "other")
    assert module.constraint(t.Word(), "line") == Symbol("line.1")


def test_free_values_and_replacing_them() -> None:
    f = ModuleBuilder().function("prompt", "f")
    outer, other = f.value("a", INT), f.value("b", INT)
    with f.region("body", params=[("x", INT)]) as body:
        f.emit("yield", f.one("arith", body.params[0], outer, op="+"))
    region = body.finish()
    assert free_values(region) == (outer,)
    assert free_values(replace_values(region, {outer: other})) == (other,)
    assert free_values(Op(name="map", args=((outer, other),), regions=(region,))) == (outer, other)


def test_literals_of_other_types_differ() -> None:
    assert len({Literal(1), Literal(1.0), Literal(True), Literal("1"), Literal(0.0)}) == 5
    assert Literal(0.0) != Literal(-0.0)
    with pytest.raises(ValueError, match="finite"):
        Literal(float("nan"))


def test_traits_agree_with_each_other_and_with_the_data_ops() -> None:
    for spec in OPS.values():
        assert spec.pure or not spec.total
        assert not (spec.pure and (spec.model or spec.host or spec.calls))
        assert set(spec.required) <= set(spec.attrs)
        assert spec.meaning
    assert {name for name in DATA_OPS if not OPS[name].pure} == set()


def test_a_control_op_is_as_pure_as_its_regions() -> None:
    f = ModuleBuilder().function("prompt", "f")
    c = Value("c", BOOL)

    def made(*ops: str) -> Op:
        with f.region("do") as do:
            for name in ops:
                f.emit(name, 1)
            f.emit("yield")
        with f.region("else") as other:
            f.emit("yield")
        return f.emit("if", c, regions=[do, other])

    assert is_total(made("const"))
    assert not is_total(made("neg"))
    assert is_pure(made("neg"))
    assert not is_pure(made("tool"))
    assert exits(made("check")) == {"failure"}
    assert not is_total(made("check"))
