"""Plan instances: dataflow, tools, events."""
