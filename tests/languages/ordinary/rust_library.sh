set -euo pipefail
cd /tmp
printf '/// Twice.\npub fn twice(n: i32) -> i32 { 2 * n }\n#[test]\nfn doubles() { assert_eq!(twice(2), 4); }\n' >lib.rs
rustc --crate-type=rlib --crate-name=twice lib.rs && rustc --test -o t lib.rs && ./t -q >/dev/null
printf 'fn main() { println!("{}", twice::twice(21)); }\n' >m.rs && rustc --extern twice=libtwice.rlib m.rs && [[ $(./m) == 42 ]]
echo ok
