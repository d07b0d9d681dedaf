"""All rows, in the order in which they are run."""

from . import resources, processes, files, kernel, network, http_front, forms, state  # noqa: F401
from . import beyond, lifecycle  # noqa: F401
