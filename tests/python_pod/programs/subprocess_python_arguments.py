import subprocess
print(subprocess._args_from_interpreter_flags())
