set -euo pipefail
cd /tmp && printf 'int twice(int n) { return 2 * n; }\n' >twice.c
printf '#include <dlfcn.h>\n#include <stdio.h>\nint main(void) { void *l = dlopen("./libtwice.so", RTLD_NOW); int (*f)(int) = (int (*)(int))dlsym(l, "twice"); printf("%%d\\n", f(21)); return 0; }\n' >main.c
gcc -shared -fPIC -g -o libtwice.so twice.c && gcc -c twice.c && ar rcs libtwice.a twice.o && ranlib libtwice.a
gcc -fsanitize=undefined -O2 -flto -o main main.c -ldl && [[ $(./main) == 42 ]]
g++ -x c++ -std=c++20 -E - </dev/null >/dev/null && objdump -d libtwice.so | grep -q twice && strip main && ./main >/dev/null
python3 -c 'import ctypes; assert ctypes.CDLL("/tmp/libtwice.so").twice(4) == 8'
echo ok
