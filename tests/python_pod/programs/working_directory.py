import os
print(os.getcwd(), os.listdir("."), os.path.abspath("x"))
