module shapes
  type, abstract :: shape
  contains
    procedure(area_of), deferred :: area
  end type
  type, extends(shape) :: square
    real :: side
  contains
    procedure :: area => square_area
  end type
  abstract interface
    real function area_of(this)
      import shape
      class(shape), intent(in) :: this
    end function
  end interface
contains
  real function square_area(this)
    class(square), intent(in) :: this
    square_area = this%side ** 2
  end function
end module

program main
  use shapes
  use, intrinsic :: iso_fortran_env, only: real64
  implicit none
  class(shape), allocatable :: s
  real(real64) :: a(100, 100), b(100, 100)
  integer :: unit, status, i
  character(len=20) :: text
  s = square(3.0)
  call random_number(a)
  b = matmul(a, transpose(a))
  open(newunit=unit, file='data.bin', form='unformatted', access='stream')
  write(unit) (i, i = 1, 1000)
  close(unit)
  call execute_command_line('test -s data.bin', exitstat=status)
  call get_environment_variable('HOME', text)
  if (s%area() == 9.0 .and. status == 0 .and. sum(b) > 0 .and. len_trim(text) > 0) print '(a)', 'ok'
end program
