import sys
for s in (sys.stdin, sys.stdout, sys.stderr):
    print(s.name, s.mode, s.encoding, s.errors, s.newlines, s.line_buffering,
          getattr(s, "write_through", None), s.isatty(), s.seekable(), s.fileno(),
          type(s.buffer).__name__)
print(sys.stdout is sys.__stdout__, sys.stdin is sys.__stdin__)
