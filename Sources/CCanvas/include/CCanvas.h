// CCanvas
