import os
print(sorted(os.environ.items()))
print(os.getenv("HOME"), os.environb[b"LANG"])
os.environ["NEW"] = "1"
os.system("echo $NEW $PYTHONPATH $NONE")
