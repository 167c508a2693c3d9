// Moonlit
