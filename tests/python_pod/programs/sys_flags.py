import sys
print(sys.flags.isolated, sys.flags.no_site, sys.flags.safe_path, sys.flags.unbuffered,
      sys.flags.no_user_site, sys.flags.ignore_environment, sys.flags.dev_mode)
print(sys.executable, sys.prefix, sys.exec_prefix, sys.base_prefix, sys.argv[0])
