import sys, threading
names = []
def trace(frame, event, argument):
    if event == "call" and frame.f_code.co_name == "_shutdown":
        print("traced", frame.f_code.co_name)
sys.settrace(trace)
print("last line")
