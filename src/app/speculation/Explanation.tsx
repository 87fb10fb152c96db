// Why a reply comes sooner without becoming another one, to be tried out with the engine's own noise.

import classes from "./Explanation.module.css";
import { Favourites } from "./Favourites";
import { PickANumber } from "./PickANumber";

export function Explanation() {
  return (
    // Scrolls, so the keyboard must be able to reach it.
    <div className={classes.scroller} tabIndex={0} role="region" aria-label="How speculation works">
      <div className={classes.page}>
        <p className={classes.lead}>
          A language model writes one token, a word or a part of one, in each pass over all its weights. Reading those weights is what takes
          time: checking several tokens in one pass costs hardly more than writing one. So something small and quick guesses how the reply
          goes on, and the model checks the whole guess at once. Every right guess is a pass saved.
        </p>
        <h2>But a reply is drawn by chance</h2>
        <p>
          Ask for <em>a number from 1 to 10</em>. A good speculator knows what the model thinks: each number is as likely as any other. Yet
          if the two roll dice of their own, they name the same number only one time in ten, and nine guesses are thrown away.
        </p>
        <p>
          In Gyre they share their dice. The chance in a draw is a list of numbers, one for each token, made from the reply’s seed and the
          place in the text; model and speculator add the same list to what they think, and each takes the best. Who thinks alike then says
          the same.
        </p>
        <PickANumber />
        <h2>And if the speculator is a little wrong?</h2>
        <p>
          Then the two differ now and then, about as seldom as two draws can. Let the model favour the 7, and the speculator favour it more
          or less, and see how often they agree.
        </p>
        <Favourites />
        <h2>Why the reply stays the same</h2>
        <p>
          A guess is kept only if it is the very token that the model draws there itself; from the first that is not, the model’s own goes
          on. Gyre computes each row of a pass in whole numbers or in a fixed order, so that a token checked among others gets the same bits
          as one drawn alone. With the same seed you get the same reply with speculation on or off, only sooner.
        </p>
        <h2>Who guesses</h2>
        <ul>
          <li>
            <strong>This chat.</strong> What has been said before is often said again: names, code, quotations.
          </li>
          <li>
            <strong>The model’s habits.</strong> A table of which words tend to follow which, made from the model’s own replies.
          </li>
          <li>
            <strong>This device.</strong> The same, learnt from the replies that you get. It never leaves the device; under Settings you can
            look at it, erase it, or switch it off.
          </li>
          <li>
            <strong>A smaller model</strong>, where one of the same family is at hand.
          </li>
        </ul>
        <p>Under a reply, open the line with its figures and switch on “Show where words came from” to see who guessed what.</p>
      </div>
    </div>
  );
}
