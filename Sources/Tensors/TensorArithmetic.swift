internal import CTorch

// Element by element; shapes are broadcast as in PyTorch.

extension Tensor {
    public static func + (a: Tensor, b: Tensor) throws -> Tensor { try make("add", a, b) { ct_add(a.pointer, b.pointer, $0) } }
    public static func - (a: Tensor, b: Tensor) throws -> Tensor { try make("subtract", a, b) { ct_subtract(a.pointer, b.pointer, $0) } }
    public static func * (a: Tensor, b: Tensor) throws -> Tensor { try make("multiply", a, b) { ct_multiply(a.pointer, b.pointer, $0) } }
    public static func / (a: Tensor, b: Tensor) throws -> Tensor { try make("divide", a, b) { ct_divide(a.pointer, b.pointer, $0) } }
    public static prefix func - (t: Tensor) throws -> Tensor { try make("negate", t) { ct_negate(t.pointer, $0) } }

    public static func + (a: Tensor, b: Double) throws -> Tensor { try make("add", a) { ct_add_number(a.pointer, b, $0) } }
    public static func + (a: Double, b: Tensor) throws -> Tensor { try b + a }
    public static func - (a: Tensor, b: Double) throws -> Tensor { try a + (-b) }
    public static func - (a: Double, b: Tensor) throws -> Tensor { try make("subtract", b) { ct_subtract_from_number(a, b.pointer, $0) } }
    public static func * (a: Tensor, b: Double) throws -> Tensor { try make("multiply", a) { ct_multiply_number(a.pointer, b, $0) } }
    public static func * (a: Double, b: Tensor) throws -> Tensor { try b * a }
    public static func / (a: Tensor, b: Double) throws -> Tensor { try make("divide", a) { ct_divide_number(a.pointer, b, $0) } }

    public func power(_ exponent: Double) throws -> Tensor { try make("power", self) { ct_power(pointer, exponent, $0) } }
    public func exp() throws -> Tensor { try make("exp", self) { ct_exp(pointer, $0) } }
    public func expm1() throws -> Tensor { try make("expm1", self) { ct_expm1(pointer, $0) } }
    public func log() throws -> Tensor { try make("log", self) { ct_log(pointer, $0) } }
    public func sqrt() throws -> Tensor { try make("sqrt", self) { ct_sqrt(pointer, $0) } }
    public func rsqrt() throws -> Tensor { try make("rsqrt", self) { ct_rsqrt(pointer, $0) } }
    public func reciprocal() throws -> Tensor { try make("reciprocal", self) { ct_reciprocal(pointer, $0) } }
    public func square() throws -> Tensor { try make("square", self) { ct_square(pointer, $0) } }
    public func abs() throws -> Tensor { try make("abs", self) { ct_abs(pointer, $0) } }
    public func sin() throws -> Tensor { try make("sin", self) { ct_sin(pointer, $0) } }
    public func cos() throws -> Tensor { try make("cos", self) { ct_cos(pointer, $0) } }
    public func tanh() throws -> Tensor { try make("tanh", self) { ct_tanh(pointer, $0) } }
    public func erf() throws -> Tensor { try make("erf", self) { ct_erf(pointer, $0) } }
    public func sigmoid() throws -> Tensor { try make("sigmoid", self) { ct_sigmoid(pointer, $0) } }
    public func silu() throws -> Tensor { try make("silu", self) { ct_silu(pointer, $0) } }
    public func relu() throws -> Tensor { try make("relu", self) { ct_relu(pointer, $0) } }
    public func softplus() throws -> Tensor { try make("softplus", self) { ct_softplus(pointer, $0) } }
    public func floor() throws -> Tensor { try make("floor", self) { ct_floor(pointer, $0) } }
    /// Half to even.
    public func round() throws -> Tensor { try make("round", self) { ct_round(pointer, $0) } }
    public func isFinite() throws -> Tensor { try make("isFinite", self) { ct_is_finite(pointer, $0) } }

    public enum GELU: Sendable { case exact, tanh }
    public func gelu(_ form: GELU = .exact) throws -> Tensor { try make("gelu", self) { ct_gelu(pointer, form == .tanh, $0) } }

    public func clamp(min: Double? = nil, max: Double? = nil) throws -> Tensor {
        try make("clamp", self) { ct_clamp(pointer, min ?? .nan, max ?? .nan, $0) }
    }

    public static func maximum(_ a: Tensor, _ b: Tensor) throws -> Tensor { try make("maximum", a, b) { ct_maximum(a.pointer, b.pointer, $0) } }
    public static func minimum(_ a: Tensor, _ b: Tensor) throws -> Tensor { try make("minimum", a, b) { ct_minimum(a.pointer, b.pointer, $0) } }

    /// `self + weight · (other − self)`.
    public func lerp(_ other: Tensor, weight: Double) throws -> Tensor {
        try make("lerp", self, other) { ct_lerp(pointer, other.pointer, weight, $0) }
    }

    // MARK: Comparison, as boolean tensors

    public enum Relation: Int32, Sendable { case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual }

    public func compare(_ relation: Relation, _ other: Tensor) throws -> Tensor {
        try make("compare", self, other) { ct_compare(pointer, other.pointer, relation.rawValue, $0) }
    }
    public func compare(_ relation: Relation, _ value: Double) throws -> Tensor {
        try make("compare", self) { ct_compare_number(pointer, value, relation.rawValue, $0) }
    }
    public func logicalNot() throws -> Tensor { try make("logicalNot", self) { ct_logical_not(pointer, $0) } }

    /// Elements of `a` where this boolean tensor is true, of `b` elsewhere.
    public func choose(_ a: Tensor, else b: Tensor) throws -> Tensor {
        try make("choose", self, a, b) { ct_where(pointer, a.pointer, b.pointer, $0) }
    }
}
