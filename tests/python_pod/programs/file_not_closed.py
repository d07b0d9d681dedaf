f = open("left.txt", "w")
f.write("written at the end\n")

class Later:
    def __del__(self):
        print(open("left.txt").read() if f.closed else "not yet closed")

print("end of the program")
