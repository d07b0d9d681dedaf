set -euo pipefail
mkdir -p tree/a && echo text >tree/a/file && ln -s file tree/a/link
tar czf tree.tar.gz tree && tar xzf tree.tar.gz -C /tmp && cmp tree/a/file /tmp/tree/a/file
gzip -k tree/a/file && zcat tree/a/file.gz | grep -q text
find tree -type f -print0 | xargs -0 -P 2 sha256sum >/dev/null
sed -i s/text/other/ tree/a/file && grep -rq other tree
sort -R <(seq 1000) | sort -n | uniq | tail -1 | grep -qx 1000
cp -a tree copy && chmod -R u=rwX copy && touch -d @0 copy/a/file && dd if=/dev/zero of=z bs=4k count=4 2>/dev/null
split -b 4k z part. && cat part.* | cmp - z && truncate -s 1M z && stat -c %s z | grep -qx 1048576
date >/dev/null; id >/dev/null; uname -a >/dev/null; df . >/dev/null; ps >/dev/null; nproc >/dev/null; free >/dev/null
perl -e 'print "perl\n"' | tr a-z A-Z | grep -qx PERL
echo ok
