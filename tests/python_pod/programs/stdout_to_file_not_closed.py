import sys
out = sys.stdout
sys.stdout = open("out.txt", "w")
print("in the file")
sys.stdout.flush()
out.write(open("out.txt").read())
