import java.net.*;
import java.nio.channels.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;

public class Threads {
  public static void main(String[] args) throws Exception {
    var pool = Executors.newFixedThreadPool(8);
    var futures = IntStream.range(0, 100).mapToObj(n -> pool.submit(() -> n * n)).toList();
    long sum = 0;
    for (var future : futures) sum += future.get();
    pool.shutdown();
    if (sum != 328350 || IntStream.range(0, 1_000_000).parallel().filter(n -> n % 2 == 0).count() != 500_000) throw new Error();
    var process = new ProcessBuilder("sh", "-c", "echo hi").start();
    if (!new String(process.getInputStream().readAllBytes()).equals("hi\n")) throw new Error();
    try (var channel = FileChannel.open(Path.of("mapped"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      channel.map(FileChannel.MapMode.READ_WRITE, 0, 4096).force().putInt(7);
    }
    try (var server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      CompletableFuture.runAsync(() -> {
        try (var socket = server.accept()) { socket.getOutputStream().write(42); } catch (Exception e) { throw new RuntimeException(e); }
      });
      try (var socket = new Socket(server.getInetAddress(), server.getLocalPort())) {
        if (socket.getInputStream().read() != 42) throw new Error();
      }
    }
    long hash = 0;
    for (int i = 0; i < 30_000_000; i++) hash = hash * 31 + i;  // long enough to be compiled
    System.gc();
    System.out.println("ok");
  }
}
