open("helper.py", "w").write("VALUE = 5\nprint('imported as', __name__)\n")
import helper
print(helper.VALUE, helper.__file__)
