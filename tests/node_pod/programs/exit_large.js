process.exit(259);
