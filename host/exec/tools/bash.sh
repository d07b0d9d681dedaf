# The functions by which a shell program calls tools of its client: put before the program.
# podium_secret marks what is said to the host (see host/exec/tool_frames.hpp). What it answers comes
# on stdin: a line that names the call, tells whether it failed and how many bytes follow, then those.
exec {podium_out}>&1 {podium_in}<&0 </dev/null
podium_dir=$(mktemp -d /tmp/.tools.XXXXXXXX) || exit 1

podium_deliver() {
  local id failed size
  while IFS=' ' read -r id failed size; do
    head -c "$size" >"$podium_dir/$id"
    echo "$failed" 1<>"$podium_dir/$id.ready"
  done
}
# No child of this shell, so that `wait` does not wait for it.
( podium_deliver <&"$podium_in" >/dev/null 2>&1 & )

podium_call() {  # number of the tool, its name, its input
  local LC_ALL=C data id ready failed
  if (($# > 3)); then
    printf '%s: takes one argument, a JSON object; it got %d\n' "$2" $(($# - 2)) >&2
    return 2
  fi
  data=${3-}
  [[ $data == *[![:space:]]* ]] || data='{}'
  data="$1 ${data//[$'\n\r']/ }"
  if ((${#data} > 1048576)); then
    printf '%s: its input has %d bytes, it may have 1048576\n' "$2" ${#data} >&2
    return 2
  fi
  id=$BASHPID.$RANDOM.${EPOCHREALTIME//[!0-9]/}
  command mkfifo "$podium_dir/$id.ready" || return 2
  exec {ready}<>"$podium_dir/$id.ready"
  # Each piece is written at once (PIPE_BUF): calls beside each other do not mix theirs.
  while ((${#data} > 3000)); do
    printf '\x1e%s call %s 1 %s\n' "$podium_secret" "$id" "${data:0:3000}" >&"$podium_out"
    data=${data:3000}
  done
  printf '\x1e%s call %s 0 %s\n' "$podium_secret" "$id" "$data" >&"$podium_out"
  IFS= read -r failed <&"$ready"
  exec {ready}>&-
  if ((failed)); then
    printf '%s: ' "$2" >&2
    command cat "$podium_dir/$id" >&2
    echo >&2
  else
    command cat "$podium_dir/$id"
  fi
  command rm -f "$podium_dir/$id" "$podium_dir/$id.ready"
  return "$failed"
}

