/**
 * Express 4, installed under this name next to Express 5. The types of Express 5 are close enough
 * for the tests.
 */
declare module 'express4' {
  import express from 'express'
  export default express
}
