import locale
import sys
print(locale.setlocale(locale.LC_CTYPE), locale.getpreferredencoding(), sys.getfilesystemencoding(),
      sys.getdefaultencoding(), sys.getfilesystemencodeerrors())
