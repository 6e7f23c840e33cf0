"""A program file and its tool, a function here: python examples/python/files_and_tools.py"""

from dataclasses import dataclass
from pathlib import Path

import sglc

PROGRAM = Path(__file__).with_name("files_and_tools.sgl")


@dataclass
class Office:
    city: str
    country: str


OFFICES = {"Emma": Office("Cusco", "Peru"), "Leo": Office("Mombasa", "Kenya")}


@sglc.tool
def office(employee: str) -> Office:
    return OFFICES[employee]


offices = sglc.load(PROGRAM, tools=[office])

with sglc.Engine() as engine:
    rows = [{"employee": name} for name in (*OFFICES, "Nobody")]
    for row, result in zip(rows, offices.capital.run_batch(rows, backend=engine), strict=True):
        print(row["employee"], result.error or result.value, sep=": ")
