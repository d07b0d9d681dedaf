package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	var group sync.WaitGroup
	sum, results := 0, make(chan int)
	for i := 0; i < 1000; i++ {
		group.Add(1)
		go func(i int) { defer group.Done(); runtime.Gosched(); results <- i }(i)
	}
	go func() { group.Wait(); close(results) }()
	for r := range results {
		sum += r
	}
	runtime.GC()
	out, err := exec.Command("sh", "-c", "echo hi").Output()
	check(err)
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGUSR1)
	check(syscall.Kill(os.Getpid(), syscall.SIGUSR1))
	<-caught
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go func() { c, _ := listener.Accept(); io.WriteString(c, "served"); c.Close() }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	check(err)
	text, err := io.ReadAll(conn)
	check(err)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	<-ctx.Done()
	if sum != 499500 || string(out) != "hi\n" || string(text) != "served" {
		panic(fmt.Sprint(sum, out, text))
	}
	fmt.Println("ok")
}
