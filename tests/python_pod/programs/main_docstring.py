"""The program's own words."""
print(__doc__)
