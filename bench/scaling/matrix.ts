/** A square matrix, row by row. */
export type Matrix = readonly (readonly number[])[]

/** `exp(matrix)`: halve it until it is small, add up the series, and square as often as it was halved. */
export function exponentialOf(matrix: Matrix): Matrix {
  const largest = Math.max(...matrix.flat().map(Math.abs))
  const halvings = Math.max(0, Math.ceil(Math.log2(largest)) + 4)
  const small = matrix.map((row) => row.map((cell) => cell / 2 ** halvings))
  let term: Matrix = identity(matrix.length)
  let sum = term
  for (let n = 1; n <= 12; n++) {
    term = product(term, small).map((row) => row.map((cell) => cell / n))
    sum = sum.map((row, i) => row.map((cell, j) => cell + term[i]![j]!))
  }
  for (let n = 0; n < halvings; n++) sum = product(sum, sum)
  return sum
}

/** `matrix · vector`. */
export function applied(matrix: Matrix, vector: readonly number[]): number[] {
  return matrix.map((row) => row.reduce((sum, cell, j) => sum + cell * vector[j]!, 0))
}

function product(a: Matrix, b: Matrix): Matrix {
  return a.map((row) => b.map((_, j) => row.reduce((sum, cell, k) => sum + cell * b[k]![j]!, 0)))
}

function identity(size: number): Matrix {
  return Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (_, j) => (i === j ? 1 : 0)),
  )
}
