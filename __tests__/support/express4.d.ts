/** Express 4, installed beside Express 5 under this name; close enough to it for the tests. */
declare module 'express4' {
  import express from 'express'
  export default express
}
