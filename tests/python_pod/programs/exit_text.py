import sys
sys.exit("told on stderr")
