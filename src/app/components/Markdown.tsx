// Markdown as React elements. Nothing is ever set as HTML, so a reply can show tags but not run them; links go to http and https only.
import { Lexer, type MarkedToken, type Token, type Tokens } from "marked";
import { createContext, memo, type ReactNode, useContext, useMemo } from "react";
import type { OriginRun } from "../../chats/schema";
import { originPieces, type Piece, shownText } from "../origin_pieces";
import { ORIGIN_NAMES } from "../origins";
import { CodeBlock } from "./CodeBlock";
import classes from "./Markdown.module.css";
import originClasses from "./origins.module.css";

type Pieces = ReadonlyMap<Token, readonly Piece[]>;

const PiecesContext = createContext<Pieces | null>(null);

interface Props {
  readonly text: string;
  readonly origins?: readonly OriginRun[]; // who proposed it, to be shown
}

export function Markdown({ text, origins }: Props) {
  const blocks = useMemo(() => Lexer.lex(text, { gfm: true, breaks: true }), [text]);
  const pieces = useMemo(() => (origins === undefined ? null : originPieces(blocks, text, origins)), [blocks, text, origins]);
  return (
    <PiecesContext value={pieces}>
      <div className={classes.text}>
        {blocks.map((token, index) => (
          // A block keeps its place while the reply grows behind it.
          <Block key={index} token={token} pieces={pieces} />
        ))}
      </div>
    </PiecesContext>
  );
}

/** Only the last block changes while a reply streams in; the others keep their elements, unless their tokens are looked up. */
const Block = memo(
  ({ token }: { readonly token: Token; readonly pieces: Pieces | null }) => render(token),
  (before, after) =>
    before.pieces === null && after.pieces === null && before.token.raw === after.token.raw && before.token.type === after.token.type,
);

/** The text that a token shows by itself, with who proposed it where that is to be seen. */
function Shown({ token }: { readonly token: MarkedToken }) {
  const pieces = useContext(PiecesContext)?.get(token);
  return (
    pieces?.map(([origin, text], index) => (
      <span key={index} className={originClasses[origin]} title={`Proposed by: ${ORIGIN_NAMES[origin]}`}>
        {text}
      </span>
    )) ?? shownText(token)
  );
}

function inside(tokens: readonly Token[]): ReactNode {
  return tokens.map((token, index) => <Inline key={index} token={token} />);
}

function Inline({ token }: { readonly token: Token }) {
  return render(token);
}

function render(anyToken: Token): ReactNode {
  const token = anyToken as MarkedToken; // no extension is registered, so there are no generic tokens
  switch (token.type) {
    case "paragraph":
      return <p>{inside(token.tokens)}</p>;
    case "heading":
      return <Heading token={token} />;
    case "code":
      return (
        <CodeBlock code={token.text} language={token.lang ?? ""}>
          <Shown token={token} />
        </CodeBlock>
      );
    case "blockquote":
      return <blockquote>{inside(token.tokens)}</blockquote>;
    case "list":
      return <List token={token} />;
    case "list_item":
      return <li>{inside(token.tokens)}</li>;
    case "checkbox":
      return token.checked ? "☑ " : "☐ ";
    case "table":
      return <Table token={token} />;
    case "hr":
      return <hr />;
    case "br":
      return <br />;
    case "strong":
      return <strong>{inside(token.tokens)}</strong>;
    case "em":
      return <em>{inside(token.tokens)}</em>;
    case "del":
      return <del>{inside(token.tokens)}</del>;
    case "codespan":
      return (
        <code>
          <Shown token={token} />
        </code>
      );
    case "link":
      return <Link href={token.href}>{inside(token.tokens)}</Link>;
    case "image":
      return (
        <Link href={token.href}>
          <Shown token={token} />
        </Link>
      );
    case "text":
      return token.tokens === undefined ? <Shown token={token} /> : inside(token.tokens);
    case "escape":
    case "html":
      return <Shown token={token} />;
    case "space":
    case "def":
      return null;
    default:
      token satisfies never;
      return anyToken.raw;
  }
}

/** A reply's headings stand below the page's own, whatever the model chose. */
function Heading({ token }: { readonly token: Tokens.Heading }) {
  const Tag = token.depth <= 1 ? "h3" : token.depth === 2 ? "h4" : "h5";
  return <Tag>{inside(token.tokens)}</Tag>;
}

function List({ token }: { readonly token: Tokens.List }) {
  const items = token.items.map((item, index) => <Inline key={index} token={item} />);
  return token.ordered ? <ol start={token.start === "" ? 1 : token.start}>{items}</ol> : <ul>{items}</ul>;
}

function Table({ token }: { readonly token: Tokens.Table }) {
  const align = (cell: Tokens.TableCell) => (cell.align === null ? undefined : classes[cell.align]);
  return (
    <div className={classes.wide}>
      <table>
        <thead>
          <tr>
            {token.header.map((cell, index) => (
              <th key={index} className={align(cell)}>
                {inside(cell.tokens)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {token.rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column} className={align(cell)}>
                  {inside(cell.tokens)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Link({ href, children }: { readonly href: string; readonly children: ReactNode }) {
  if (!isWebAddress(href)) return children;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

/** Whether an address is absolute and on the web: no scripts, no data, no files, and nothing relative to the app. */
export function isWebAddress(href: string): boolean {
  return URL.canParse(href) && /^https?:$/.test(new URL(href).protocol);
}
