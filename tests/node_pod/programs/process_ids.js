console.log(process.pid, process.ppid, process.getuid() === process.geteuid(), process.umask().toString(8), process.getgroups().length);
