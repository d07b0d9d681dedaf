import warnings
warnings.warn("look here")
warnings.warn("deprecated", DeprecationWarning)
x = "\d"
