#include "policy/java_classes.hpp"

#include <gtest/gtest.h>

namespace podium {
namespace {

TEST(JavaClasses, AreMainWhenThereIsNoType) {
  const JavaClasses names = java_classes("no java at all");

  EXPECT_EQ(names.public_class, "Main");
  EXPECT_EQ(names.main_class, "Main");
}

TEST(JavaClasses, NameTheFileByThePublicTypeWhateverItsKind) {
  EXPECT_EQ(java_classes("class A {} public final class B<T> extends A {}").public_class, "B");
  EXPECT_EQ(java_classes("class A {} public interface C {}").public_class, "C");
  EXPECT_EQ(java_classes("class A {} public enum D { X }").public_class, "D");
  EXPECT_EQ(java_classes("class A {} public record E(int x) {}").public_class, "E");
  EXPECT_EQ(java_classes(
                "class A {} @Deprecated(since = \"1\") public sealed abstract class F permits A {}")
                .public_class,
            "F");
}

TEST(JavaClasses, StartTheTypeThatHasMainWithItsPackage) {
  const JavaClasses names = java_classes(
      "package some . where;\nimport java.util.*;\n"
      "public class Shown { void main2() {} }\n"
      "class Started { public static void main(String... args) {} }");

  EXPECT_EQ(names.public_class, "Shown");
  EXPECT_EQ(names.main_class, "some.where.Started");
}

TEST(JavaClasses, PreferThePublicTypeOfSeveralThatHaveMain) {
  const JavaClasses names = java_classes(
      "class A { static void main(String[] a) {} } public class B { static void main(String[] a) "
      "{} }");

  EXPECT_EQ(names.main_class, "B");
}

TEST(JavaClasses, NameTheFileByTheTypeWithMainWhenNoneIsPublic) {
  EXPECT_EQ(java_classes("class A {} class B { static void main(String[] a) {} }").public_class,
            "B");
  EXPECT_EQ(java_classes("class A {} class B {}").public_class, "A");
}

TEST(JavaClasses, AreNotTakenFromCommentsStringsAndInnerTypes) {
  EXPECT_EQ(java_classes(R"(
// public class Comment {
/* public class Block { */
@Name("public class Text {") @Of(Other.class)
class Outer {
  String s = "}} public class Quoted { \" ";
  char c = '}';
  String t = """
    public class Block { " }
    """;
  public static class Inner { static void main(String[] a) {} }
}
public class Real {}
)")
                .public_class,
            "Real");
}

TEST(JavaClasses, SurviveWhatIsCutShort) {
  for (const char* code : {"public class", "public class {", "\"", "'", "\"\"\"", "/*", "package",
                           "package a.b", "}}}} public class A", "class A { \"\\"}) {
    EXPECT_FALSE(java_classes(code).public_class.empty()) << code;
  }
}

TEST(JavaClasses, RefuseNamesThatAreTooLongForAFile) {
  EXPECT_EQ(java_classes("public class " + std::string(300, 'x') + " {}").public_class, "Main");
}

TEST(JavaClasses, AreFoundInMegabytesOfNestingWithoutRecursion) {
  const std::string code = "public class A {" + std::string(4 << 20, '{') + "}";

  EXPECT_EQ(java_classes(code).public_class, "A");
}

}  // namespace
}  // namespace podium
