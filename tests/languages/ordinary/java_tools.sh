set -euo pipefail
mkdir -p /tmp/j/p && cd /tmp/j
printf 'package p;\n/** A main class. */\npublic class M { public static void main(String[] a) { System.out.println(new java.math.BigInteger("2").pow(a.length)); } }\n' >p/M.java
javac -Xlint:all p/M.java && jar cfe m.jar p.M p/M.class && [[ $(java -Xmx64m -jar m.jar a b) == 4 ]]
[[ $(java p/M.java a) == 2 ]] && javap -cp m.jar p.M | grep -q main
echo ok
