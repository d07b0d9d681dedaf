try:
    {}["missing"]
except KeyError as e:
    raise RuntimeError("because") from e
