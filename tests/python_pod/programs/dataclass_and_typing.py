from dataclasses import dataclass, field
from typing import get_type_hints

@dataclass(order=True)
class P:
    x: int = 0
    tags: list[str] = field(default_factory=list)

print(P(1), P(1) < P(2), get_type_hints(P))
