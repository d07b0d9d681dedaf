set -euo pipefail
export GOCACHE=/tmp/c GOPATH=/tmp/p GOPROXY=off CGO_ENABLED=0 GOFLAGS=-buildvcs=false
mkdir -p /tmp/m/sum && cd /tmp/m
printf 'module example\n\ngo 1.19\n' >go.mod
printf 'package sum\n\nfunc Of(a, b int) int { return a + b }\n' >sum/sum.go
printf 'package sum\n\nimport "testing"\n\nfunc TestOf(t *testing.T) {\n\tif Of(1, 2) != 3 {\n\t\tt.Fatal()\n\t}\n}\n' >sum/sum_test.go
printf 'package main\n\nimport (\n\t"example/sum"\n\t"fmt"\n)\n\nfunc main() { fmt.Println(sum.Of(40, 2)) }\n' >main.go
go vet ./... && go build -o m . && [[ $(./m) == 42 ]] && go test ./sum >/dev/null && gofmt -l .
echo ok
