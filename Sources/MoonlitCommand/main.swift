print("moonlit")
