name = input("name? ")
print("hello", name)
print(input())
try:
    input("more? ")
except EOFError as e:
    print("EOF", e)
# input: Ada\nLovelace\n
