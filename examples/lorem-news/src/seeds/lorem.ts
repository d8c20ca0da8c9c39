import { between, oneOf, type Random } from './random.ts'

/** The words of the oldest filler text there is: Cicero's, well shaken. */
const words =
  `a ab accusamus accusantium ad adipisci alias aliquam aliquid amet animi aperiam architecto asperiores aspernatur
assumenda at atque aut autem beatae blanditiis commodi consectetur consequatur consequuntur corporis corrupti culpa cum cumque
cupiditate debitis delectus deleniti deserunt dicta dignissimos distinctio dolor dolore dolorem doloremque dolores doloribus
dolorum ducimus ea eaque earum eius eligendi enim eos error esse est et eum eveniet ex excepturi exercitationem expedita
explicabo facere facilis fuga fugiat fugit harum hic id illo illum impedit in incidunt inventore ipsa ipsam ipsum iste itaque
iure iusto labore laboriosam laborum laudantium libero magnam magni maiores maxime minima minus modi molestiae molestias mollitia
nam natus necessitatibus nemo neque nesciunt nihil nisi nobis non nostrum nulla numquam occaecati odio odit officia officiis
omnis optio pariatur perferendis perspiciatis placeat porro possimus praesentium provident quae quaerat quam quas quasi qui quia
quibusdam quidem quis quisquam quo quod quos ratione recusandae reiciendis rem repellat repellendus reprehenderit repudiandae
rerum saepe sapiente sed sequi similique sint sit soluta sunt suscipit tempora tempore temporibus tenetur totam ullam unde ut
vel velit veniam veritatis vero vitae voluptas voluptate voluptatem voluptates voluptatibus voluptatum`.split(
    /\s+/,
  )

/** One word. */
export const word = (random: Random): string => oneOf(random, words)

/** Several words, as a title has them. */
export const title = (random: Random): string => capitalized(some(random, 2, 5, word).join(' '))

const sentence = (random: Random): string => `${capitalized(some(random, 5, 10, word).join(' '))}.`

/** Five to ten sentences. */
export const paragraph = (random: Random): string => some(random, 5, 10, sentence).join(' ')

/** Five to ten paragraphs. */
export const article = (random: Random): string => some(random, 5, 10, paragraph).join('\n\n')

/** A list of some length between two others. */
export const some = (
  random: Random,
  least: number,
  most: number,
  make: (random: Random) => string,
): string[] => Array.from({ length: between(random, least, most) }, () => make(random))

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
