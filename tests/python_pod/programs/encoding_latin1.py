# -*- coding: latin-1 -*-
print("gruen: \xe4", len("ä"))
