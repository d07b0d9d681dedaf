set -euo pipefail
cd /tmp
printf 'program p\n integer :: i, s\n s = 0\n !$omp parallel do reduction(+:s)\n do i = 1, 1000\n s = s + i\n end do\n print "(i0)", s\nend program\n' >p.f90
gfortran -fopenmp -o p p.f90 && [[ $(OMP_NUM_THREADS=4 ./p) == 500500 ]]
printf '#include <omp.h>\n#include <stdio.h>\nint main(void) { int s = 0;\n#pragma omp parallel for reduction(+:s)\nfor (int i = 0; i < 1000; i++) s += i; printf("%%d\\n", s); return 0; }\n' >p.c
gcc -fopenmp -o q p.c && [[ $(./q) == 499500 ]]
echo ok
