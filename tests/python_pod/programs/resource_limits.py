import resource
for name in ("NOFILE", "CORE", "FSIZE", "MEMLOCK", "STACK", "NPROC"):
    print(name, resource.getrlimit(getattr(resource, "RLIMIT_" + name))[0])
