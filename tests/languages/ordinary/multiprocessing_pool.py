from multiprocessing import Pool

def square(n):
    return n * n

if __name__ == "__main__":
    with Pool(4) as pool:
        assert sum(pool.map(square, range(100))) == 328350
    print("ok")
