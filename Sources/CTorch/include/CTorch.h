// CTorch
