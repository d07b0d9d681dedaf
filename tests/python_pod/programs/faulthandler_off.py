import faulthandler
import sys
print(faulthandler.is_enabled(), sys.gettrace(), sys.getprofile(), sys.getswitchinterval())
