set -euo pipefail
[[ $(seq 100 | awk '{ s += $1 } END { print s }') == 5050 ]]
sleep 0.05 & wait $!
diff <(printf 'a\nb\n') <(printf 'a\nb\n')
coproc CAT { cat; }
echo through >&"${CAT[1]}"; read -r line <&"${CAT[0]}"; [[ $line == through ]]
trap 'caught=1' USR1; kill -USR1 $$; [[ $caught == 1 ]]
timeout 5 true; nice true; nohup true 2>/dev/null; setsid true; flock /tmp/lock true
exec 5<>/tmp/file; echo x >&5; mkfifo /tmp/fifo; (echo y >/tmp/fifo &); [[ $(cat /tmp/fifo) == y ]]
ulimit -n 100; umask 077
echo ok
