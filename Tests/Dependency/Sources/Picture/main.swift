import Moonlit

print("Moonlit is here")
