import multiprocessing as mp
import time

def work():
    time.sleep(0.1)
    print("child done", flush=True)

if __name__ == "__main__":
    mp.get_context("fork").Process(target=work).start()
    print("main ends", flush=True)
