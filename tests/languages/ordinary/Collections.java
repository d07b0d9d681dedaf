import java.lang.reflect.*;
import java.security.*;
import java.time.*;
import java.util.*;
import java.util.function.*;
import java.util.regex.*;
import java.util.stream.*;
import java.util.zip.*;

public class Collections {
  sealed interface Shape permits Circle, Square {}
  record Circle(double r) implements Shape {}
  record Square(double a) implements Shape {}
  static double area(Shape s) { return s instanceof Circle c ? Math.PI * c.r() * c.r() : Math.pow(((Square) s).a(), 2); }

  public static void main(String[] args) throws Exception {
    var words = Stream.of("b", "a", "b").collect(Collectors.groupingBy(Function.identity(), TreeMap::new, Collectors.counting()));
    if (!words.toString().equals("{a=1, b=2}") || area(new Square(3)) != 9) throw new Error();
    var digest = MessageDigest.getInstance("SHA-256").digest("x".getBytes());
    new SecureRandom().nextBytes(digest);
    var proxy = (Supplier<?>) Proxy.newProxyInstance(Collections.class.getClassLoader(), new Class<?>[] {Supplier.class}, (p, m, a) -> 5);
    if (!proxy.get().equals(5) || !Pattern.matches("\\d+", "42")) throw new Error();
    if (ZonedDateTime.of(2024, 7, 1, 0, 0, 0, 0, ZoneId.of("Europe/Paris")).getOffset().getTotalSeconds() != 7200) throw new Error();
    var out = new java.io.ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(out)) { gzip.write(new byte[1000]); }
    System.out.println(String.format("%s", "ok"));
  }
}
