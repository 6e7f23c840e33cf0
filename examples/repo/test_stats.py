"""Prints what fails; run as a script."""

from stats import mean, median

if mean([1, 2, 3]) != 2:
    print("mean([1, 2, 3]) should be 2, is", mean([1, 2, 3]))
if median([3, 1, 2]) != 2:
    print("median([3, 1, 2]) should be 2, is", median([3, 1, 2]))
