import { openNaive } from '../benchmarking/naive/open.ts'
export const openHandcar = async (c: any) => openNaive({ ...c, databaseMode: 'immediate-retry' })
